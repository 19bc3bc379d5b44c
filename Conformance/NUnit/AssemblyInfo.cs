[assembly: NUnit.Framework.LevelOfParallelism(6)]
