"""What published figures say of a trust: cost, price, national mean and peers. Frames and SQL only."""
