"""What may be published: small numbers hidden, and nothing left from which they could be worked out."""
