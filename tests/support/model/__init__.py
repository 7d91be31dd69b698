"""What must be true, computed from nothing but events: the reference model of the rules, and the search that decides
whether a recorded history is linearizable. Nothing here imports `projections`, except to compare with it.
"""
