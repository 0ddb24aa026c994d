"""Forgetting a customer: what belongs to one (`reach`), where it stands (`find`), taking it out (`erase`), and keeping
it out (`suppression`)."""
