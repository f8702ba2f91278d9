"""Runs cellxgene for one session: one dataset, one owner, labels kept by the gate's vault."""
