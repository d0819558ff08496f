"""The terminal front: screens, keys and the command line. Only here is the engine known.

Data flows one way: an engine event becomes a Textual message in `bridge`, a screen's handler keeps it
in a `var`, `data_bind` carries it to a widget. Keys become commands, commands become requests.
"""
