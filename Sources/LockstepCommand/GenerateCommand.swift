import Lockstep
import LockstepConfiguration
import LockstepFiles

/// `lockstep generate`: a text from a trained model of tokens.
enum GenerateCommand: Command {
  static let name = "generate"
  static let usage = "RUN-DIRECTORY | CONFIG.json [OPTIONS]"
  static let summary = "write a text with a trained model"
  static let discussion = """
    Takes a run directory (its final weights, their average where the run keeps one, or a checkpoint) or
    a configuration with --weights, of a model that was trained on a text. Prints the prompt and what the model writes behind it, as soon as
    it is written. The same weights, seed and options give the same text. The data need not be there.
    """
  static let options =
    NamedConfiguration.options + [
      .option(
        "--weights", "FILE", "the weights, or a checkpoint; a run directory's own by default"),
      .option("--checkpoint", "best|last|N", "a checkpoint of the run directory, by its step"),
      .option("--prompt", "TEXT", "what the text goes on from (default: a new line)"),
      .option("--count", "N", "the number of tokens (default 1000)"),
      .option(
        "--temperature", "T",
        "less than 1 makes likely tokens likelier, 0 takes the likeliest (default 0.8)"),
      .option("--top-k", "K", "choose among the K likeliest tokens only"),
      .option("--top-p", "P", "choose among the likeliest tokens of this probability, in (0, 1]"),
      .option("--seed", "S", "the key of the choices (default 1)"),
      .option("--stop", "TEXT", "end where this would stand; may be repeated", repeats: true),
    ]

  static func run(_ arguments: Arguments) throws -> Int32 {
    let path = try arguments.single("a run directory or a configuration's path")
    _ = try arguments.overrides()
    let request = try Request(arguments)
    return try Job.run { collective in
      let named = try NamedConfiguration(path, arguments, on: collective)
      // One rank writes; a text is made token by token.
      try collective.onRoot { try write(request, named, on: SoloCollective()) }
      return ExitCode.done
    }
  }

  private static func write(
    _ request: Request, _ named: NamedConfiguration, on collective: any Collective
  ) throws {
    guard let place = request.weights ?? named.runDirectory else {
      throw ArgumentError(description: "'--weights FILE' is missing: a configuration has none")
    }
    let file = try WeightsFile(
      place, checkpoint: request.checkpoint, prefersAverage: true)
    for notice in file.notices { Console.notice(notice) }
    let known = try TrainedModel.description(file, named.runDirectory, on: collective)
    let description = try known ?? named.configuration.data.load().record.description
    guard let tokens = description.tokens else {
      throw InputFailure(
        description: "\(named.path): the model was trained on "
          + "\(described(description.input)), and only one of texts writes; 'lockstep predict' computes "
          + "its outputs")
    }
    guard let tokenizer = try tokens.textTokenizer() else {
      throw InputFailure(
        description:
          "\(named.path): the model was trained on a file of tokens, and what texts they "
          + "stand for is not known here; read the weights with 'TextGenerator' and their tokenizer"
      )
    }
    // The model wants to know the form of its examples, not the examples.
    let blank = TokenStream([UInt16](repeating: 0, count: tokens.window + 1), name: named.path)
    let source = try named.configuration.source(
      on: TokenWindows(blank, length: tokens.window, vocabulary: tokens.vocabulary), description)
    try Weights(of: source).read(file)
    let generator = try TextGenerator(named.configuration.model, source, tokenizer: tokenizer)
    var last = request.prompt.last
    // A prompt that is refused is not printed.
    var hasBegun = false
    func begin() throws {
      if !hasBegun { try Console.print(request.prompt) }
      hasBegun = true
    }
    try generator.generate(
      request.prompt, count: request.count, sampling: request.sampling, stops: request.stops
    ) { piece in
      try begin()
      last = piece.last ?? last
      try Console.print(piece)
    }
    try begin()
    if last != "\n" { try Console.print("\n") }
  }

  private static func described(_ input: InputDescription) -> String {
    switch input {
    case .columns(let table): counted(table.columns.count, "column")
    case .array(let array): "arrays of shape \(array.shape)"
    case .series(let series): series.summary
    case .texts(let texts): texts.summary
    case .tokens: "tokens"
    }
  }

  /// What the command line asks for.
  private struct Request {
    let weights: String?
    let checkpoint: WeightsFile.Choice?
    let prompt: String
    let count: Int
    let sampling: TextSampling
    let stops: [String]

    init(_ arguments: Arguments) throws {
      weights = arguments.value("--weights")
      checkpoint = try arguments.checkpoint()
      if weights != nil, checkpoint != nil {
        throw ArgumentError(
          description: "'--weights' and '--checkpoint' both name weights; give one of the two")
      }
      prompt = arguments.value("--prompt") ?? ""
      count = try arguments.integer("--count", atLeast: 0) ?? 1000
      sampling = TextSampling(
        temperature: try arguments.number("--temperature", "a finite number from 0") {
          $0 >= 0
        } ?? 0.8,
        topK: try arguments.integer("--top-k", atLeast: 1),
        topP: try arguments.number("--top-p", "a number in (0, 1]") { $0 > 0 && $0 <= 1 },
        seed: UInt64(try arguments.integer("--seed", atLeast: 0, atMost: .max) ?? 1))
      stops = arguments.all("--stop")
    }
  }
}

extension Arguments {
  /// An option's value as a finite number.
  fileprivate func number(
    _ name: String, _ expected: String, _ isRight: (Double) -> Bool
  ) throws -> Double? {
    guard let text = value(name) else { return nil }
    guard let number = Double(text), number.isFinite, isRight(number) else {
      throw ArgumentError(description: "'\(name)' must be \(expected); found '\(text)'")
    }
    return number
  }
}
