// Examples of the documentation: sources of examples, several inputs, predictions.
import Lockstep

struct Sums: ExampleSource {
  let name = "sums"
  let count = 1000
  let inputFields = [
    ExampleField("scale", [1]), ExampleField("digits", [2], .int32(limit: 10)),
  ]
  let labelFields = [ExampleField("sum", [1])]
  var fingerprint: Fingerprint { Fingerprint(of: "sums, version 1") }

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Float>
  ) {
    for (place, example) in examples.enumerated() {
      let scale = Float(example / 100) / 10
      values[place] =
        field.name == "scale" ? scale : scale * Float(example % 10 + example / 10 % 10)
    }
  }

  func load(
    _ field: ExampleField, of examples: ArraySlice<Int>, into values: inout MutableSpan<Int32>
  ) {
    for (place, example) in examples.enumerated() {
      values[2 * place] = Int32(example % 10)
      values[2 * place + 1] = Int32(example / 10 % 10)
    }
  }
}

struct Adder: MultipleInputModel {
  let hidden = Linear(16)
  let head = Linear(1)

  func callAsFunction(_ inputs: NamedTensors) -> NamedTensors {
    let digits = inputs["digits"].labelWeights(
      ignoring: nil, classWeights: (0..<10).map { Float($0) / 10 })
    let all = Tensor.concatenated([inputs["scale"], digits], axis: 1)
    return ["sum": head(hidden(all).tanh())]
  }
}

/// Trains the model on the source and asks it for a sum.
func documentedSources() throws -> Bool {
  let training = try Training(
    Adder(), on: Sums(), losses: OutputLosses([.init("sum", .huber(), label: "sum")]),
    update: .adam(learningRate: 0.01), batchSize: 50, epochs: 30)
  try training.fit()
  let predictor = try Predictor(training)
  let answer = try predictor.predict(["scale": .floats([0.5]), "digits": .integers([3, 4])])
  return abs((answer["sum"]?[0] ?? 0) - 3.5) < 0.5
}

/// Windows of a text, in the characters of its vocabulary.
func documentedTokens() throws -> [Int] {
  let text = "the quick brown fox jumps over the lazy dog. "
  let tokenizer = try CharacterTokenizer(fitting: text)
  let stream = TokenStream(try tokenizer.encode(text), name: "pangram")
  let windows = try TokenWindows(
    stream, length: 8, vocabulary: tokenizer.vocabulary, starts: .everyPosition)
  return [tokenizer.vocabulary, windows.count]
}

/// What a trained model of characters writes; `model` is what `training` trains.
func written(
  by model: any Model, _ training: Training, _ tokenizer: any TextTokenizer
) throws -> String {
  let generator = try TextGenerator(model, training, tokenizer: tokenizer)
  let text = try generator.generate("In the", count: 200, sampling: TextSampling(temperature: 0.7))
  return text
}
