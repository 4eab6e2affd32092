using System.Globalization;
using Pharos.Collector.Discovery;
using Pharos.Core;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>Signed calls to AWS's services, answered as their documentation says.</summary>
public sealed class AwsTests
{
    private static readonly AwsAccess Keys = new("us-east-1", "", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "", "", "");
    private static readonly DateTimeOffset When = DateTimeOffset.Parse("2015-08-30T12:36:00Z", CultureInfo.InvariantCulture);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Ec2_instances_over_pages_with_filters()
    {
        var forms = new List<string>();
        await using var api = new FakeApi().On("POST /", (_, body) =>
        {
            forms.Add(body);
            return Xml(body.Contains("DescribeAvailabilityZones", StringComparison.Ordinal)
                ? """<DescribeAvailabilityZonesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><availabilityZoneInfo><item><zoneName>us-east-1a</zoneName><zoneId>use1-az1</zoneId></item></availabilityZoneInfo></DescribeAvailabilityZonesResponse>"""
                : body.Contains("NextToken=more", StringComparison.Ordinal)
                    ? """<DescribeInstancesResponse xmlns="x"><reservationSet><item><ownerId>o</ownerId><instancesSet><item><instanceId>i-2</instanceId><privateIpAddress>10.0.0.2</privateIpAddress></item><item><instanceId>i-3</instanceId></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"""
                    : """
                      <DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><nextToken>more</nextToken><reservationSet><item><ownerId>123456789012</ownerId><instancesSet><item>
                        <instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceState><code>16</code><name>running</name></instanceState><privateDnsName>ip-10-0-0-1.ec2.internal</privateDnsName><dnsName>ec2-1.compute.amazonaws.com</dnsName>
                        <instanceType>t2.micro</instanceType><placement><availabilityZone>us-east-1a</availabilityZone></placement><platform>windows</platform><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
                        <privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>192.0.2.1</ipAddress><architecture>x86_64</architecture><instanceLifecycle>spot</instanceLifecycle>
                        <tagSet><item><key>my:tag</key><value>v</value></item></tagSet>
                        <networkInterfaceSet>
                          <item><subnetId>subnet-2</subnetId><attachment><deviceIndex>1</deviceIndex></attachment><ipv6AddressesSet><item><ipv6Address>2001:db8::2</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6></item></ipv6AddressesSet></item>
                          <item><subnetId>subnet-1</subnetId><attachment><deviceIndex>0</deviceIndex></attachment><ipv6AddressesSet><item><ipv6Address>2001:db8::1</ipv6Address><isPrimaryIpv6>true</isPrimaryIpv6></item><item><ipv6Address>2001:db8::3</ipv6Address><isPrimaryIpv6>false</isPrimaryIpv6></item></ipv6AddressesSet></item>
                        </networkInterfaceSet>
                      </item></instancesSet></item></reservationSet></DescribeInstancesResponse>
                      """);
        });
        var filters = new Dictionary<string, IReadOnlyList<string>> { ["tag:environment"] = ["prod"], ["tag:service"] = ["web", "db"] };
        var options = new Ec2Options(Keys, 80, filters, HttpClientOptions.Default) { RefreshInterval = TimeSpan.FromMinutes(1) };
        await using var discoverer = options.Open(api.NewContext(new SimulatedTimeProvider(When)));
        var targets = (await discoverer.RefreshAsync(Cancel)).Targets;
        Assert.Equal(["10.0.0.1:80", "10.0.0.2:80"], Addresses(targets));
        Same(targets[0], "10.0.0.1:80", "__meta_ec2_", """
            ami ami-1
            architecture x86_64
            availability_zone us-east-1a
            availability_zone_id use1-az1
            instance_id i-1
            instance_lifecycle spot
            instance_state running
            instance_type t2.micro
            ipv6_addresses ,2001:db8::2,2001:db8::1,2001:db8::3,
            owner_id 123456789012
            platform windows
            primary_ipv6_addresses ,2001:db8::1,2001:db8::2,
            primary_subnet_id subnet-1
            private_dns_name ip-10-0-0-1.ec2.internal
            private_ip 10.0.0.1
            public_dns_name ec2-1.compute.amazonaws.com
            public_ip 192.0.2.1
            region us-east-1
            subnet_id ,subnet-2,subnet-1,
            tag_my_tag v
            vpc_id vpc-1
            """);
        Assert.Contains("Filter.1.Name=tag%3Aenvironment&Filter.1.Value.1=prod&Filter.2.Name=tag%3Aservice&Filter.2.Value.1=web&Filter.2.Value.2=db", forms[1], StringComparison.Ordinal);
        Assert.All(api.Requests, r => Assert.Equal("https://ec2.us-east-1.amazonaws.com", r.Host));
        Assert.All(api.Requests, r => Assert.StartsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ec2/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=", r.Headers["Authorization"], StringComparison.Ordinal));
    }

    [Fact]
    public async Task Lightsail_instances_over_pages()
    {
        await using var api = new FakeApi().On("POST /", (request, body) => new FakeApi.Reply(body == "{}"
            ? """
              {"instances":[{"name":"one","supportCode":"1/i-1","blueprintId":"ubuntu","bundleId":"nano","location":{"availabilityZone":"us-east-1a"},"state":{"name":"running"},"privateIpAddress":"10.0.0.1","publicIpAddress":"192.0.2.1",
                "ipv6Addresses":["2001:db8::1"],"tags":[{"key":"a b","value":"c"}]}],"nextPageToken":"t"}
              """
            : """{"instances":[{"name":"two","privateIpAddress":"10.0.0.2"},{"name":"three"}]}"""));
        var targets = await api.FindAsync(new LightsailOptions(Keys with { Endpoint = "https://ls.example" }, 80, HttpClientOptions.Default) { RefreshInterval = TimeSpan.FromMinutes(1) });
        Same(targets[0], "10.0.0.1:80", "__meta_lightsail_", """
            availability_zone us-east-1a
            blueprint_id ubuntu
            bundle_id nano
            instance_name one
            instance_state running
            instance_support_code 1/i-1
            ipv6_addresses ,2001:db8::1,
            private_ip 10.0.0.1
            public_ip 192.0.2.1
            region us-east-1
            tag_a_b c
            """);
        Assert.Equal(2, targets.Count);
        Assert.Equal("""{"pageToken":"t"}""", api.Requests[1].Body);
        Assert.Equal(("https://ls.example", "Lightsail_20161128.GetInstances"), (api.Requests[0].Host, api.Requests[0].Headers["X-Amz-Target"]));
    }

    [Fact]
    public async Task A_role_is_assumed_with_the_keys_and_again_before_it_expires()
    {
        int assumed = 0;
        var time = new SimulatedTimeProvider(When);
        await using var api = new FakeApi().On("POST /", (_, body) => body.Contains("Action=AssumeRole", StringComparison.Ordinal)
            ? Xml($"<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>ASIA{++assumed}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>st</SessionToken><Expiration>{time.GetUtcNow().AddHours(1):O}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>")
            : new FakeApi.Reply("""{"instances":[]}"""));
        var options = new LightsailOptions(Keys with { RoleArn = "arn:aws:iam::1:role/r", ExternalId = "ext" }, 80, HttpClientOptions.Default) { RefreshInterval = TimeSpan.FromMinutes(1) };
        await using var discoverer = options.Open(api.NewContext(time));
        await discoverer.RefreshAsync(Cancel);
        await discoverer.RefreshAsync(Cancel);
        time.Advance(TimeSpan.FromMinutes(56));
        await discoverer.RefreshAsync(Cancel);
        var lines = api.Requests.Select(r => (r.Host, Key: r.Headers["Authorization"].Split("Credential=")[1].Split('/')[0])).ToList();
        Assert.Equal(
            [("https://sts.us-east-1.amazonaws.com", "AKIDEXAMPLE"), ("https://lightsail.us-east-1.amazonaws.com", "ASIA1"), ("https://lightsail.us-east-1.amazonaws.com", "ASIA1"),
                ("https://sts.us-east-1.amazonaws.com", "AKIDEXAMPLE"), ("https://lightsail.us-east-1.amazonaws.com", "ASIA2")],
            lines);
        Assert.Contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr", api.Requests[0].Body, StringComparison.Ordinal);
        Assert.Contains("ExternalId=ext", api.Requests[0].Body, StringComparison.Ordinal);
        Assert.Equal("st", api.Requests[1].Headers["X-Amz-Security-Token"]);
    }

    [Fact]
    public async Task Region_and_credentials_of_the_instance_where_nothing_else_gives_them()
    {
        await using var api = new FakeApi()
            .On("PUT /latest/api/token", (_, _) => new FakeApi.Reply("session", ContentType: "text/plain"))
            .Get("/latest/meta-data/placement/region", "eu-central-1")
            .Get("/latest/meta-data/iam/security-credentials/", "my-role")
            .Get("/latest/meta-data/iam/security-credentials/my-role", """{"AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"st","Expiration":"2030-01-01T00:00:00Z"}""")
            .On("POST /", (_, _) => new FakeApi.Reply("{}"));
        using var home = Places.NewFolder();
        await using var client = new AwsClient("lightsail", new AwsAccess("", "", "", "", "", "", ""), HttpClientOptions.Default, TimeSpan.FromMinutes(1), api.NewContext(), name => name == "HOME" ? home.Path : null);
        await client.CallAsync("lightsail", "Lightsail_20161128.GetInstances", new { }, Cancel);
        var last = api.Requests[^1];
        Assert.Equal("https://lightsail.eu-central-1.amazonaws.com", last.Host);
        Assert.Contains("Credential=ASIAX/", last.Headers["Authorization"], StringComparison.Ordinal);
        Assert.All(api.Requests.Where(r => r.Url.Contains("meta-data", StringComparison.Ordinal)), r => Assert.Equal("session", r.Headers["X-aws-ec2-metadata-token"]));
    }

    [Fact]
    public async Task Profiles_and_the_environment_give_credentials()
    {
        using var home = Places.NewFolder();
        Directory.CreateDirectory(Path.Combine(home, ".aws"));
        await File.WriteAllTextAsync(Path.Combine(home, ".aws", "config"), "[default]\nregion = us-west-1\n[profile team]\nregion=eu-west-3\n");
        await File.WriteAllTextAsync(Path.Combine(home, ".aws", "credentials"), "[team]\n# a comment\naws_access_key_id = AKTEAM\naws_secret_access_key = s\n");
        await using var api = new FakeApi().On("POST /", (_, _) => new FakeApi.Reply("{}"));
        Assert.Equal(("https://lightsail.eu-west-3.amazonaws.com", "AKTEAM"), await CalledAsync("team", name => name == "HOME" ? home.Path : null));
        Assert.Equal(
            ("https://lightsail.us-west-1.amazonaws.com", "AKENV"),
            await CalledAsync("", name => name switch { "HOME" => home.Path, "AWS_ACCESS_KEY_ID" => "AKENV", "AWS_SECRET_ACCESS_KEY" => "s", _ => null }));

        async Task<(string Host, string Key)> CalledAsync(string profile, Func<string, string?> environment)
        {
            await using var client = new AwsClient("lightsail", new AwsAccess("", "", "", "", profile, "", ""), HttpClientOptions.Default, TimeSpan.FromMinutes(1), api.NewContext(), environment);
            await client.CallAsync("lightsail", "x", new { }, Cancel);
            return (api.Requests[^1].Host, api.Requests[^1].Headers["Authorization"].Split("Credential=")[1].Split('/')[0]);
        }
    }

    private static FakeApi.Reply Xml(string body) => new(body, ContentType: "text/xml");
}
