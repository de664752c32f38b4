"""maru: an analyst deploys, rolls back and monitors models by editing code only."""
