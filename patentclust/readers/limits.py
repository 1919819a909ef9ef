"""How much of a file is believed. All limits of the readers stand here, so that a hostile file meets one wall, not ten.

Each is far above what an office has ever published; a file that meets one is a bomb, a loop or not a patent.
"""

# Enough to see the root element behind a long DOCTYPE with its entity declarations.
HEAD_BYTES = 64 * 1024
# One document is held in memory; the largest gene patents are some 100 MB of XML.
MAX_DOCUMENT_BYTES = 256 * 1024**2

MAX_ARCHIVE_DEPTH = 3
MAX_ARCHIVE_MEMBERS = 500_000
# Expanded over one file on disk, nested archives included. Patent text shrinks 4 to 20 times, line drawings 100 times.
MAX_EXPANDED_BYTES = 256 * 1024**3
MAX_EXPANSION_RATIO = 200
# Below this a high ratio is harmless: small files shrink oddly.
FREE_EXPANDED_BYTES = 64 * 1024**2
# A nested archive must be seekable; up to here it is kept in memory, above in an unnamed temporary file.
SPOOL_BYTES = 32 * 1024**2

# One row or one JSON value of a table.
MAX_RECORD_CHARS = 64 * 1024**2
MAX_COLUMNS = 2_000
# A workbook is held in memory while it is read; Excel itself stops at a million rows a sheet.
MAX_WORKBOOK_BYTES = 1024**3
MAX_WORKBOOK_CELLS_BYTES = 4 * 1024**3
MAX_WORKBOOK_MEMBERS = 20_000
MAX_WORKBOOK_SECONDS = 300.0

# Whatever reads a PDF does so in a process of its own, which may not have more than this.
GUARD_BYTES = 4 * 1024**3

MAX_PDF_PAGES = 5_000
MAX_PDF_SECONDS = 300.0
# Of reading one page by OCR.
MAX_OCR_SECONDS = 120.0
MAX_PDF_PAGE_BYTES = 32 * 1024**2
MAX_PDF_CHARS = 64 * 1024**2
