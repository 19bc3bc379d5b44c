using NUnit.Framework;

[assembly: Category("Stress")]
[assembly: NonParallelizable]
