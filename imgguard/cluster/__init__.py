"""Clean on many machines, with Dask distributed as the engine (extra `cluster`; see docs/cluster.md).

The scheduler, its dashboard and its logs never see who is known, who is in a photo, or which photo it is: what goes
through them is encrypted with a key that each worker is given by the client alone, for the run only.
"""
