"""The wide point-in-time feature table, from declared act types and windows."""
