"""Pages of what EC2 describes.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplates.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html
"""

import sys

from moto.ec2.exceptions import EC2ClientError

PAGE = 200


def offset(token):
    try:
        return int(token.removeprefix("domctl-")) if token else 0
    except ValueError:
        raise EC2ClientError("InvalidNextToken", "The token provided is invalid") from None


def page(original, response, key, keep=lambda item: True, size=PAGE):
    """One page and its NextToken: moto cuts at MaxResults, by default 15, or at nothing, and says nothing."""
    start = offset(response._get_param("NextToken"))
    end = start + response._get_int_param("MaxResults", size)
    response.params["MaxResults"] = sys.maxsize
    answer = original(response)
    items = [item for item in answer.result[key] if keep(item)]
    answer.result[key] = items[start:end]
    answer.result["NextToken"] = f"domctl-{end}" if end < len(items) else None
    return answer
