"""The live venue, block by block, without a protocol. Imports past, accounts and coins."""
