Console.prepare()
Program.run()
