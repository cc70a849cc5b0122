"""The old system's wire: request-response, jobs, swagger.json and help pages under the addresses that old clients know.

Its rules are the old system's, also where ours would be better: the modern routes are `estudio.server`'s.
"""
