"""Mail that leaves: drafts, sealing, and the one gate.

draft      what is to be sent, as its writer means it
ready      what will go over the wire, byte for byte
sealing    from one to the other, encrypted for one recipient
gate       checks, uploads, sends: the only caller of any send route
"""
