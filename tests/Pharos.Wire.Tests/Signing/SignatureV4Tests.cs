using System.Globalization;
using System.Text;
using Pharos.Wire.Signing;

namespace Pharos.Wire.Tests.Signing;

public sealed class SignatureV4Tests
{
    private const string Form = "application/x-www-form-urlencoded";

    private const string Session =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    private static readonly AwsCredentials Example = new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    private static readonly DateTimeOffset When = DateTimeOffset.Parse("2015-08-30T12:36:00Z", CultureInfo.InvariantCulture);

    /// <summary>The example in AWS's description of the signing process.</summary>
    [Fact]
    public void The_documented_example_is_signed_as_documented() => Assert.Equal(
        [
            ("X-Amz-Date", "20150830T123600Z"),
            ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"),
        ],
        new SignatureV4("us-east-1", "iam").Sign("GET", new Uri("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08"), [("Content-Type", Form + "; charset=utf-8")], [], Example, When));

    /// <summary>Signatures that AWS's test suite of version 4 publishes.</summary>
    [Theory]
    [InlineData("GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")]
    [InlineData("POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")]
    [InlineData("GET", "/?Param2=value2&Param1=value1", "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")]
    [InlineData("GET", "/?\u1234=bar", "", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04")]
    [InlineData("POST", "/", "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")]
    public void Published_signatures_agree(string method, string target, string body, string signature)
    {
        (string, string)[] headers = body.Length > 0 ? [("Content-Type", Form)] : [];
        var added = new SignatureV4("us-east-1", "service").Sign(method, new Uri("https://example.amazonaws.com" + target), headers, Encoding.UTF8.GetBytes(body), Example, When);
        Assert.EndsWith($"Signature={signature}", added[^1].Value, StringComparison.Ordinal);
    }

    /// <summary>From the same suite: the token of a session is sent and signed.</summary>
    [Fact]
    public void The_token_of_a_session_is_signed()
    {
        var added = new SignatureV4("us-east-1", "service").Sign("POST", new Uri("https://example.amazonaws.com/"), [], [], Example with { SessionToken = Session }, When);
        Assert.Equal(("X-Amz-Security-Token", Session), added[1]);
        Assert.EndsWith("SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead", added[2].Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Parameters_are_ordered_by_name_before_value_however_they_are_escaped()
    {
        string Signed(string query) => new SignatureV4("r", "s").Sign("GET", new Uri("https://h/?" + query), [], [], Example, When)[^1].Value;
        Assert.Equal(Signed("a=2&a-b=1&a=1"), Signed("a-b=1&a=1&a=2"));
        Assert.Equal(Signed("a=x%2Ay&b="), Signed("b&a=x*y"));
        Assert.NotEqual(Signed("a=1&b=2"), Signed("a=2&b=1"));
    }

    [Fact]
    public void A_provider_names_headers_and_scope_after_itself() => Assert.StartsWith(
        "OSC4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/eu-west-2/api/osc4_request, SignedHeaders=host;x-osc-date, Signature=",
        new SignatureV4("eu-west-2", "api", "OSC").Sign("POST", new Uri("https://api.example:8443/ReadVms"), [("X-Amz-Meta", "other")], [], Example, When)[^1].Value, StringComparison.Ordinal);
}
