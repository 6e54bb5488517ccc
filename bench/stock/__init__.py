"""What the product is held against: the same flow on Django REST framework and the ORM, as their documentation teaches them.

Nested ModelSerializers, prefetch_related, bulk_create at the start, save() for a step, templates for pages; history is written
as well. Nothing is tuned, and nothing is done badly on purpose.
"""
