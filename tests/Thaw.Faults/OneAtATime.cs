using Xunit.Sdk;
using Xunit.v3;

// These tests measure memory and kill processes: each has the machine for itself.
[assembly: Parallelization(Mode = ParallelMode.None)]
