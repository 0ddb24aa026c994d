"""The sample company, Alpenglow Outfitters: generator, catalogue, golden questions."""
