using System.Runtime.Versioning;
using NUnit.Framework;

[assembly: Category("Stress")]
[assembly: NonParallelizable]

// As the load generator's own assembly. On other systems the fixtures that run it are ignored.
[assembly: SupportedOSPlatform("linux")]
