"""How a draft begins and is addressed: answers, quotes, templates, completion, prices."""
