"""A real S3 protocol server on this machine. Use the fixtures by importing them: `bucket` is an empty bucket."""

from collections.abc import Iterator

import pytest

from rl_assets_tests.support.servers import free_port


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    server = pytest.importorskip("moto.server", reason="moto serves S3 here: pip install 'moto[server]'")
    port = free_port()
    running = server.ThreadedMotoServer("127.0.0.1", port, verbose=False)
    running.start()
    yield f"http://127.0.0.1:{port}"
    running.stop()


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch) -> Iterator[str]:
    """The URL of an empty bucket; where it is and who may use it comes from the environment, as in a deployment."""
    import boto3

    settings = {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket="lake")
    yield "s3://lake"
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="lake"):
        for found in page.get("Contents", []):
            client.delete_object(Bucket="lake", Key=found["Key"])
    client.delete_bucket(Bucket="lake")
