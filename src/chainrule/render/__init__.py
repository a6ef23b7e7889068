"""From a document to one format, a file each."""
