"""The HTTP service.

May import `src.settings` and `src.model.{inference,preprocessing,monitoring,errors,files}`, but never `src.app.page`.
"""
