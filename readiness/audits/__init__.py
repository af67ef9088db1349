"""The room of the written audit: Markdown in, a ticket, Markdown out."""
