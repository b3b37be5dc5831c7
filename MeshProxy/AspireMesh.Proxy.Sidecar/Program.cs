Console.Error.WriteLine("aspiremesh-proxy");
