"""What models see: each feature defined once, bar by bar; the batch is the same code in a loop.

`bar` is what goes in, `feature` what one feature is, `spec` what a list of them is and the hash that
travels with it, `series` the stream of one coin. The modules named after what they look at hold the
features; `registry` lists them all.
"""
