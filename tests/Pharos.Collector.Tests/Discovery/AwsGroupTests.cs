using Pharos.Collector.Discovery;
using static Pharos.Collector.Tests.Discovery.TargetAssert;

namespace Pharos.Collector.Tests.Discovery;

/// <summary>ECS, MSK, RDS and ElastiCache, answered as AWS documents them.</summary>
public sealed class AwsGroupTests
{
    private static readonly AwsAccess Access = new("eu-west-1", "", "AK", "SK", "", "", "");

    [Fact]
    public async Task Ecs_tasks_by_their_own_interface_or_their_instance()
    {
        await using var api = new FakeApi().On("POST /", (request, body) =>
        {
            if (request.Headers["X-Original-Host"] == "https://ec2.eu-west-1.amazonaws.com")
            {
                return new FakeApi.Reply(body.Contains("DescribeInstances", StringComparison.Ordinal)
                    ? """<R xmlns="x"><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><privateIpAddress>10.0.1.1</privateIpAddress><ipAddress>192.0.2.1</ipAddress><subnetId>sn-2</subnetId><instanceType>t3</instanceType><tagSet><item><key>k</key><value>v</value></item></tagSet></item></instancesSet></item></reservationSet></R>"""
                    : """<R xmlns="x"><networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><association><publicIp>192.0.2.9</publicIp></association></item></networkInterfaceSet></R>""");
            }
            return new FakeApi.Reply(request.Headers["X-Amz-Target"].ToString().Split('.')[1] switch
            {
                "ListClusters" => body == "{}" ? """{"clusterArns":["c1"],"nextToken":"n"}""" : """{"clusterArns":[]}""",
                "DescribeClusters" => """{"clusters":[{"clusterArn":"c1","clusterName":"main","tags":[{"key":"env","value":"prod"}]}]}""",
                "ListServices" => """{"serviceArns":["s1"]}""",
                "DescribeServices" => """{"services":[{"serviceArn":"s1","serviceName":"web","clusterArn":"c1","status":"ACTIVE","tags":[{"key":"team","value":"a"}]}]}""",
                "ListTasks" => """{"taskArns":["t1","t2","t3"]}""",
                "DescribeTasks" => """
                    {"tasks":[
                     {"taskArn":"t1","group":"service:web","taskDefinitionArn":"td:1","launchType":"FARGATE","availabilityZone":"eu-west-1a","desiredStatus":"RUNNING","lastStatus":"RUNNING","healthStatus":"HEALTHY","platformFamily":"Linux",
                      "platformVersion":"1.4.0","tags":[{"key":"x","value":"y"}],
                      "attachments":[{"type":"ElasticNetworkInterface","details":[{"name":"subnetId","value":"sn-1"},{"name":"networkInterfaceId","value":"eni-1"},{"name":"privateIPv4Address","value":"10.0.0.1"}]}]},
                     {"taskArn":"t2","launchType":"EC2","containerInstanceArn":"ci-1"},{"taskArn":"t3"}]}
                    """,
                _ => """{"containerInstances":[{"containerInstanceArn":"ci-1","ec2InstanceId":"i-1"}]}""",
            });
        });
        var targets = await api.FindAsync(Options("ecs"));
        Assert.Equal(["10.0.0.1:80", "10.0.1.1:80"], Addresses(targets));
        Same(targets[0], "10.0.0.1:80", "__meta_ecs_", """
            availability_zone eu-west-1a
            cluster main
            cluster_arn c1
            desired_status RUNNING
            health_status HEALTHY
            ip_address 10.0.0.1
            last_status RUNNING
            launch_type FARGATE
            network_mode awsvpc
            platform_family Linux
            platform_version 1.4.0
            public_ip 192.0.2.9
            region eu-west-1
            service web
            service_arn s1
            service_status ACTIVE
            subnet_id sn-1
            tag_cluster_env prod
            tag_service_team a
            tag_task_x y
            task_arn t1
            task_definition td:1
            task_group service:web
            """);
        Same(targets[1], "10.0.1.1:80", "__meta_ecs_", """
            cluster main
            cluster_arn c1
            container_instance_arn ci-1
            ec2_instance_id i-1
            ec2_instance_private_ip 10.0.1.1
            ec2_instance_public_ip 192.0.2.1
            ec2_instance_type t3
            ip_address 10.0.1.1
            launch_type EC2
            network_mode bridge
            public_ip 192.0.2.1
            region eu-west-1
            service web
            service_arn s1
            service_status ACTIVE
            subnet_id sn-2
            tag_cluster_env prod
            tag_ec2_k v
            tag_service_team a
            task_arn t2
            """);
    }

    [Fact]
    public async Task Msk_brokers_and_controllers_by_endpoint()
    {
        await using var api = new FakeApi()
            .Get("/api/v2/clusters?clusterTypeFilter=PROVISIONED&maxResults=100", """
                {"clusterInfoList":[{"clusterName":"k","clusterArn":"arn:k","state":"ACTIVE","clusterType":"PROVISIONED","currentVersion":"K1","tags":{"a b":"c"},
                  "provisioned":{"currentBrokerSoftwareInfo":{"kafkaVersion":"3.6.0","configurationArn":"arn:conf","configurationRevision":2},"openMonitoring":{"prometheus":{"jmxExporter":{"enabledInBroker":true},"nodeExporter":{"enabledInBroker":false}}}}}]}
                """)
            .Get("/v1/clusters/arn%3Ak/nodes?maxResults=100", """
                {"nodeInfoList":[{"nodeARN":"n1","addedToClusterTime":"2024","instanceType":"m5","brokerNodeInfo":{"brokerId":1.0,"attachedENIId":"eni","clientSubnet":"sn","clientVpcIpAddress":"10.0.0.1","endpoints":["b-1.k","b-1b.k"]}}],"nextToken":"n"}
                """)
            .Get("/v1/clusters/arn%3Ak/nodes?maxResults=100&nextToken=n", """{"nodeInfoList":[{"nodeARN":"n2","controllerNodeInfo":{"endpoints":["c-1.k"]}}]}""");
        var targets = await api.FindAsync(Options("msk") with { Port = 11001 });
        Assert.Equal(["b-1.k:11001", "b-1b.k:11001", "c-1.k:11001"], Addresses(targets));
        Same(targets[1], "b-1b.k:11001", "__meta_msk_", """
            broker_client_subnet sn
            broker_client_vpc_ip 10.0.0.1
            broker_endpoint_index 1
            broker_id 1
            broker_node_exporter_enabled false
            cluster_arn arn:k
            cluster_configuration_arn arn:conf
            cluster_configuration_revision 2
            cluster_jmx_exporter_enabled true
            cluster_kafka_version 3.6.0
            cluster_name k
            cluster_state ACTIVE
            cluster_tag_a_b c
            cluster_type PROVISIONED
            cluster_version K1
            node_added_time 2024
            node_arn n1
            node_attached_eni eni
            node_instance_type m5
            node_type BROKER
            """);
        Assert.Equal(("CONTROLLER", "0"), (targets[2]["__meta_msk_node_type"], targets[2]["__meta_msk_controller_endpoint_index"]));
        Assert.Contains("/eu-west-1/kafka/aws4_request", api.Requests[0].Headers["Authorization"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rds_instances_with_the_labels_of_their_cluster()
    {
        var forms = new List<string>();
        await using var api = new FakeApi().On("POST /", (_, body) =>
        {
            forms.Add(body);
            return new FakeApi.Reply(body.Contains("DescribeDBClusters", StringComparison.Ordinal)
                ? """
                  <DescribeDBClustersResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeDBClustersResult><DBClusters><DBCluster>
                    <DBClusterArn>arn:c</DBClusterArn><DBClusterIdentifier>c</DBClusterIdentifier><Engine>aurora-mysql</Engine><ClusterCreateTime>2024-01-02T03:04:05.678Z</ClusterCreateTime><MultiAZ>true</MultiAZ>
                    <IAMDatabaseAuthenticationEnabled>false</IAMDatabaseAuthenticationEnabled><KmsKeyId>kms</KmsKeyId><DbClusterResourceId>cluster-X</DbClusterResourceId>
                    <DBClusterMembers><DBClusterMember><DBInstanceIdentifier>i1</DBInstanceIdentifier><IsClusterWriter>true</IsClusterWriter></DBClusterMember></DBClusterMembers>
                    <TagList><Tag><Key>a b</Key><Value>c</Value></Tag></TagList></DBCluster></DBClusters></DescribeDBClustersResult></DescribeDBClustersResponse>
                  """
                : """
                  <DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeDBInstancesResult><DBInstances><DBInstance>
                    <DBInstanceArn>arn:i1</DBInstanceArn><DBInstanceIdentifier>i1</DBInstanceIdentifier><DBInstanceClass>db.r5</DBInstanceClass><DBInstanceStatus>available</DBInstanceStatus><DBClusterIdentifier>c</DBClusterIdentifier>
                    <DBSubnetGroup><DBSubnetGroupName>sg</DBSubnetGroupName></DBSubnetGroup><Endpoint><Address>i1.rds</Address><Port>3306</Port><HostedZoneId>Z</HostedZoneId></Endpoint><TagList/></DBInstance>
                    <DBInstance><DBInstanceIdentifier>creating</DBInstanceIdentifier></DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>
                  """, ContentType: "text/xml");
        });
        var filters = new Dictionary<string, IReadOnlyList<string>> { ["engine"] = ["aurora-mysql"] };
        Same(Assert.Single(await api.FindAsync(Options("rds") with { Port = 9104, Filters = filters })), "i1.rds:9104", "__meta_rds_", """
            cluster_arn arn:c
            cluster_cluster_create_time 2024-01-02T03:04:05Z
            cluster_engine aurora-mysql
            cluster_iam_database_authentication_enabled false
            cluster_identifier c
            cluster_kms_key_id kms
            cluster_multi_az true
            cluster_resource_id cluster-X
            cluster_tag_a_b c
            instance_arn arn:i1
            instance_class db.r5
            instance_db_cluster_identifier c
            instance_endpoint_address i1.rds
            instance_endpoint_hosted_zone_id Z
            instance_endpoint_port 3306
            instance_identifier i1
            instance_is_cluster_writer true
            instance_status available
            instance_subnet_group sg
            """);
        Assert.Contains("Filters.Filter.1.Name=db-cluster-id&Filters.Filter.1.Values.Value.1=arn%3Ac&Filters.Filter.2.Name=engine&Filters.Filter.2.Values.Value.1=aurora-mysql", forms[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ElastiCache_nodes_and_serverless_caches()
    {
        await using var api = new FakeApi().On("POST /", (_, body) => new FakeApi.Reply(
            body.Contains("DescribeServerlessCaches", StringComparison.Ordinal)
                ? """
                  <R xmlns="x"><DescribeServerlessCachesResult><ServerlessCaches><member><ARN>arn:s</ARN><ServerlessCacheName>s</ServerlessCacheName><Engine>redis</Engine><Endpoint><Address>s.cache</Address><Port>6379</Port></Endpoint>
                    <ReaderEndpoint><Address>r.cache</Address><Port>6380</Port></ReaderEndpoint><SecurityGroupIds><SecurityGroupId>sg-1</SecurityGroupId></SecurityGroupIds>
                    <CacheUsageLimits><DataStorage><Maximum>10</Maximum><Unit>GB</Unit></DataStorage></CacheUsageLimits></member></ServerlessCaches></DescribeServerlessCachesResult></R>
                  """
                : body.Contains("ListTagsForResource", StringComparison.Ordinal)
                    ? """<R xmlns="x"><ListTagsForResourceResult><TagList><Tag><Key>t</Key><Value>v</Value></Tag></TagList></ListTagsForResourceResult></R>"""
                    : """
                      <R xmlns="x"><DescribeCacheClustersResult><CacheClusters><CacheCluster><ARN>arn:c</ARN><CacheClusterId>c</CacheClusterId><CacheClusterStatus>available</CacheClusterStatus><Engine>redis</Engine><NumCacheNodes>1</NumCacheNodes>
                        <CacheParameterGroup><CacheParameterGroupName>pg</CacheParameterGroupName></CacheParameterGroup><SecurityGroups><member><SecurityGroupId>sg-2</SecurityGroupId><Status>active</Status></member></SecurityGroups>
                        <CacheNodes><CacheNode><CacheNodeId>0001</CacheNodeId><CacheNodeStatus>available</CacheNodeStatus><CustomerAvailabilityZone>a</CustomerAvailabilityZone><Endpoint><Address>c.cache</Address><Port>6379</Port></Endpoint></CacheNode></CacheNodes>
                      </CacheCluster></CacheClusters></DescribeCacheClustersResult></R>
                      """, ContentType: "text/xml"));
        var targets = await api.FindAsync(Options("elasticache"));
        Same(targets[0], "s.cache:6379", "__meta_elasticache_", """
            deployment_option serverless
            serverless_cache_arn arn:s
            serverless_cache_cache_usage_limit_data_storagemaximum 10
            serverless_cache_cache_usage_limit_data_storageunit GB
            serverless_cache_endpoint_address s.cache
            serverless_cache_endpoint_port 6379
            serverless_cache_endpoint_reader_address r.cache
            serverless_cache_endpoint_reader_port 6380
            serverless_cache_engine redis
            serverless_cache_name s
            serverless_cache_security_group_id_0 sg-1
            serverless_cache_tag_t v
            """);
        Same(targets[1], "c.cache:6379", "__meta_elasticache_", """
            cache_cluster_arn arn:c
            cache_cluster_cache_cluster_id c
            cache_cluster_cache_cluster_status available
            cache_cluster_cache_parameter_group pg
            cache_cluster_engine redis
            cache_cluster_node_availability_zone a
            cache_cluster_node_endpoint_address c.cache
            cache_cluster_node_endpoint_port 6379
            cache_cluster_node_id 0001
            cache_cluster_node_status available
            cache_cluster_num_cache_nodes 1
            cache_cluster_security_group_membership_id_0 sg-2
            cache_cluster_security_group_membership_status_0 active
            cache_cluster_tag_t v
            deployment_option node
            """);
        Assert.Equal(2, targets.Count);
    }

    private static AwsGroupOptions Options(string service) =>
        new(service, Access, [], 80, 10, new Dictionary<string, IReadOnlyList<string>>(), HttpClientOptions.Default) { RefreshInterval = TimeSpan.FromMinutes(1) };
}
