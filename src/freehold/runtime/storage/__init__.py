"""/storage/v1: buckets and objects under the policies of storage.objects."""
