"""What readers see: words, figures, tables, pages."""
