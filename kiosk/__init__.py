"""The edge daemon of a shop counter."""
