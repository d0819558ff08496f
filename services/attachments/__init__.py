"""Files of received mail: safe names, fetching, opening, putting where the operator wants them.

names      a name that a stranger chose becomes one that cannot hurt
folders    folders as people type them
landing    where bytes lie while they arrive, and how a whole file gets its name
transfer   one file: wait until it is ready, fetch, open, land
inside     files inside of an encrypted mail
save_job   one request to save files, one after another
board      a row for each file on its way, in both directions
opener     a saved file handed to the system's own program
desk       answers the screens' requests about files (`services.transfer_events`)
"""
