"""The S3 store as its administrator sees it: a program in the hub, which holds the key."""

CLIENT = """
import base64, json, os, botocore.session
s3 = botocore.session.get_session().create_client(
    "s3",
    endpoint_url="http://s3.maru:9000",
    region_name="us-east-1",
    aws_access_key_id=os.environ["MARU_HUB_S3_ROOT_ACCESS_KEY"],
    aws_secret_access_key=os.environ["MARU_HUB_S3_ROOT_SECRET_KEY"],
)
"""


def as_store_administrator(kubectl, code):
    """Run a program that has the client ``s3``; return what it printed, stripped."""
    inside = ("python", "-c", CLIENT + code)
    return kubectl("-n", "jupyterhub", "exec", "deployment/hub", "--", *inside).strip()
