Console.WriteLine("stress");
