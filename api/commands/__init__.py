"""The commands of `tower`, one module a group. They import what is heavy inside, so that `--help` is quick."""
