"""Daily scores of every entity, once a day, and the audiences that are made of them."""
