"""Data in, pages and tables out. Templates are files; nothing here reads an artifact or knows where files lie."""
