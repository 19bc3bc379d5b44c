[assembly: NUnit.Framework.LevelOfParallelism(4)]
