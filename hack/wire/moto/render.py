"""Error answers in the form of each service's protocol.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
https://smithy.io/2.0/aws/protocols/
"""

import http
import json

MESSAGE = "Asked for by the test."
STATUS = {
    "RequestLimitExceeded": 503,
    "SlowDown": 503,
    "ServiceUnavailable": 503,
    "Unavailable": 503,
    "InternalError": 500,
    "InternalFailure": 500,
    "UnauthorizedOperation": 403,
    "AccessDenied": 403,
    "AccessDeniedException": 403,
    "ExpiredToken": 403,
}
EC2 = "<Response><Errors><Error><Code>{0}</Code><Message>{1}</Message></Error></Errors><RequestID>domctl</RequestID></Response>"
S3 = "<Error><Code>{0}</Code><Message>{1}</Message><RequestId>domctl</RequestId></Error>"
QUERY = (
    "<ErrorResponse><Error><Type>Sender</Type><Code>{0}</Code><Message>{1}</Message></Error>"
    "<RequestId>domctl</RequestId></ErrorResponse>"
)
XML = {"ec2": EC2, "s3": S3, "autoscaling": QUERY, "sts": QUERY, "iam": QUERY}


def error(service, code, status):
    status = http.HTTPStatus(status or STATUS.get(code, 400))
    line = f"{status.value} {status.phrase}"
    if service in XML:
        return line, [("Content-Type", "text/xml")], XML[service].format(code, MESSAGE).encode()
    body = json.dumps({"__type": code, "message": MESSAGE}).encode()
    return line, [("Content-Type", "application/json"), ("X-Amzn-ErrorType", code)], body
