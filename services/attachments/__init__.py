"""Files of received mail: safe names, fetching, opening, putting where the operator wants them.

names      a name that a stranger chose becomes one that cannot hurt
landing    where bytes lie while they arrive, and how a whole file gets its name
transfer   one file: wait until it is ready, fetch, open, land
desk       answers the screens' requests to save (`services.transfer_events`)
"""
