"""Systems as their protocols' documentation describes them, over HTTP on loopback, with faults built in."""
