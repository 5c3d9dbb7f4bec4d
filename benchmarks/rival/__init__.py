"""An equal app in Django REST framework: models over tables, nested serializers, words in FTS5, counts by GROUP BY."""
