"""Who did what: append-only and chained by hashes. Targets write it (core/trail.py); here it is judged."""
