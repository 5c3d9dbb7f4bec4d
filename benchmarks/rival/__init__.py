"""An equal app in Django REST framework: models, nested serializers, search by FTS5 and counts by GROUP BY."""
