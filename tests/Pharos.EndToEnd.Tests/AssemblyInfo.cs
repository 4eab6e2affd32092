// Each of these tests runs several processes and watches real time; beside each other they would only wait for the processor.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
