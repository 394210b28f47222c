"""Lists a prefix and prints {key: size}; with a folder, also copies every object into it in parallel ranges.

usage: boto3_read.py ENDPOINT BUCKET PREFIX [FOLDER]
"""
import json
import os
import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

endpoint, bucket, prefix = sys.argv[1:4]
client = boto3.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"}))

sizes = {}
# Small pages, so that continuation tokens are used.
for page in client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": 2}):
    for entry in page.get("Contents", []):
        sizes[entry["Key"]] = entry["Size"]

if len(sys.argv) > 4:
    ranges = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=3 << 20, max_concurrency=4)
    for key in sizes:
        path = os.path.join(sys.argv[4], key[len(prefix):])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        client.download_file(bucket, key, path, Config=ranges)

print(json.dumps(sizes))
