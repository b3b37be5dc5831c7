Console.WriteLine("aspiremesh");
