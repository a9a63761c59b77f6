import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepState
import LockstepTestSupport
import LockstepTraining
import Testing

@Suite struct TextGeneratorTests {
  private static let text = String(
    repeating: "the quick brown fox jumps over the lazy dog.\n", count: 40)

  private static let window = 12

  private static func windows(_ tokenizer: any TextTokenizer) throws -> TokenWindows {
    try TokenWindows(
      TokenizedText(text, name: "foxes").stream(tokenizer), length: window,
      vocabulary: tokenizer.vocabulary, starts: .everyPosition)
  }

  /// A model with random weights, large enough that logits differ much.
  private func generator(
    _ model: any Model, _ tokenizer: any TextTokenizer, scale: Float = 1, recomputing: Bool = false
  ) throws -> TextGenerator {
    let source = try ModelSource(
      model, loss: SoftmaxCrossEntropy(), on: Self.windows(tokenizer), seed: 3)
    for index in source.memory.parameters.indices { source.memory.parameters[index] *= scale }
    return try TextGenerator(model, source, tokenizer: tokenizer, recomputing: recomputing)
  }

  private func characters() throws -> CharacterTokenizer {
    try CharacterTokenizer(fitting: Self.text)
  }

  private func gpt(_ vocabulary: Int) -> GPT {
    GPT(vocabulary: vocabulary, context: Self.window, width: 16, layers: 2, heads: 2)
  }

  private func recurrent(_ vocabulary: Int) -> [(name: String, model: Sequential)] {
    func model(_ layer: any Model) -> Sequential {
      Sequential(named: [
        ("embedding", Embedding(vocabulary, 8)), ("core", layer), ("head", Linear(vocabulary)),
      ])
    }
    return [
      ("lstm", model(LSTM(nil, 16, numLayers: 2, dropout: 0.3))), ("gru", model(GRU(nil, 16))),
      ("rnn", model(RNN(nil, 16))),
    ]
  }

  /// Models whose window has an end.
  private func bounded(_ vocabulary: Int) -> [(name: String, model: any Model)] {
    func model(_ parts: [(name: String, model: any Model)]) -> Sequential {
      Sequential(
        named: [("embedding", Embedding(vocabulary, 8))] + parts
          + [("head", Linear(vocabulary))])
    }
    func encoder(_ rotary: RotaryPositions?) -> TransformerEncoder {
      TransformerEncoder(2, norm: LayerNorm()) {
        TransformerEncoderLayer(
          8, heads: 2, feedForward: 12, isCausal: true, rotary: rotary)
      }
    }
    return [
      ("gpt", gpt(vocabulary)),
      ("rotary", model([("core", encoder(RotaryPositions()))])),
      ("halves", model([("core", encoder(RotaryPositions(base: 50, pairing: .halves)))])),
      (
        "sinusoidal", model([("positions", SinusoidalPositions()), ("core", encoder(nil))])
      ),
      ("gru with positions", model([("positions", LearnedPositions(12)), ("core", GRU(nil, 8))])),
      (
        "attention on a gru",
        model([
          ("core", GRU(nil, 8)), ("attention", MultiheadAttention(8, heads: 2, isCausal: true)),
        ])
      ),
    ]
  }

  @Test("a token costs one position's work; a layer that looks at neighbours makes it a window's")
  func ways() throws {
    let tokenizer = try characters()
    for (name, model) in recurrent(tokenizer.vocabulary) {
      #expect(try generator(model, tokenizer, scale: 2).carriesStates, "\(name)")
    }
    for (name, model) in bounded(tokenizer.vocabulary) {
      #expect(try generator(model, tokenizer, scale: 3).carriesStates, "\(name)")
    }
    let shifting = Sequential(named: [
      ("embedding", Embedding(tokenizer.vocabulary, 8)), ("before", Previous()),
      ("head", Linear(tokenizer.vocabulary)),
    ])
    #expect(try !generator(shifting, tokenizer, scale: 3).carriesStates)
  }

  /// Adds to each position the one before it, which one position by itself does not have.
  private struct Previous: Layer {
    let identity = LayerIdentity()
    func forward(_ input: Tensor, _ scope: LayerScope) -> Tensor {
      let (n, count, width) = (input.shape[0], input.shape[1], input.shape[2])
      let first = scope.graph.constant(0, [n, 1, width])
      guard count > 1 else { return input + first }
      return input
        + Tensor.concatenated([first, input.sliced(axis: 1, 0..<count - 1)], axis: 1)
    }
  }

  @Test("a text is the same token for token as one that is computed by whole windows")
  func recomputed() throws {
    let tokenizer = try characters()
    let prompts = ["", "fox", "the quick brown fox jumps over"]
    for (name, model) in bounded(tokenizer.vocabulary) {
      let fast = try generator(model, tokenizer, scale: 3)
      let slow = try generator(model, tokenizer, scale: 3, recomputing: true)
      #expect(fast.carriesStates && !slow.carriesStates)
      for (index, prompt) in prompts.enumerated() {
        for temperature in [0, 1.5] {
          let sampling = TextSampling(temperature: temperature, seed: UInt64(index))
          // Far beyond the window of 12.
          let text = try fast.generate(prompt, count: 50, sampling: sampling)
          #expect(
            try slow.generate(prompt, count: 50, sampling: sampling) == text, "\(name), \(prompt)")
        }
      }
    }
  }

  @Test("the logits have the same bits where linear maps are computed by fused multiply-adds")
  func bits() throws {
    guard InstructionSet.detected.multipliesAndAddsAtOnce else { return }
    let tokenizer = try characters()
    let vocabulary = tokenizer.vocabulary
    for (name, model) in bounded(vocabulary) {
      let source = try ModelSource(
        model, loss: SoftmaxCrossEntropy(), on: Self.windows(tokenizer), seed: 8)
      let trace = try TokenModelTrace(
        model, source, vocabulary: vocabulary, window: Self.window)
      let whole = try WindowLogits(trace, length: Self.window)
      let continued = try #require(ContinuedLogits(trace, window: Self.window), "\(name)")
      let tokens = (0..<40).map { Int32($0 * $0 % vocabulary) }
      // A prompt, and then token by token beyond two contexts.
      for end in 5...tokens.count {
        let new = tokens[(end == 5 ? 0 : end - 1)..<end]
        let found = try continued.advance(new).map(\.bitPattern)
        #expect(try whole.advance(new).map(\.bitPattern) == found, "\(name), \(end)")
      }
    }
  }

  @Test("a full window goes on with its last half and the token that has no room")
  func fullWindow() throws {
    var context = TokenContext(length: 6)
    #expect(context.append([0, 1, 2, 3][...]) == 0)
    #expect(context.append([4][...]) == 4)
    #expect(context.append([5][...]) == 5)
    #expect(context.append([6][...]) == 0 && context.tokens == [4, 5, 6])
    #expect(context.append([7][...]) == 3)
    context.reset()
    #expect(context.append(Array(0..<9)[...]) == 0 && context.tokens == Array(3..<9))
    #expect(context.append([9][...]) == 0 && context.tokens == [7, 8, 9])
    var shortest = TokenContext(length: 1)
    #expect(shortest.append([3][...]) == 0 && shortest.tokens == [3])
    #expect(shortest.append([4][...]) == 0 && shortest.tokens == [4])

    // What a model says behind a full window is what it says behind that half alone.
    let tokenizer = try characters()
    let generator = try generator(gpt(tokenizer.vocabulary), tokenizer, scale: 3)
    let greedy = TextSampling(temperature: 0)
    let prompt = "over the laz"
    #expect(prompt.count == Self.window)
    let two = try generator.generate(prompt, count: 2, sampling: greedy)
    let half = String(prompt.suffix(Self.window / 2 - 1)) + String(two.prefix(1))
    let next = try generator.generate(half, count: 1, sampling: greedy)
    #expect(two.suffix(1) == next)
  }

  @Test("carried states give the logits of whole windows: greedy texts are the same")
  func carried() throws {
    let tokenizer = try characters()
    for (name, model) in recurrent(tokenizer.vocabulary) {
      let source = try ModelSource(
        model, loss: SoftmaxCrossEntropy(), on: Self.windows(tokenizer), seed: 5)
      let generator = try TextGenerator(model, source, tokenizer: tokenizer)
      let text = try generator.generate(
        "the ", count: 8, sampling: TextSampling(temperature: 0))
      // The same, a window at a time: 4 + 8 tokens fill one.
      let predictor = try Predictor(source)
      var tokens = try tokenizer.encode("the ")
      for _ in 0..<8 {
        let padded = tokens + [Int32](repeating: 0, count: Self.window - tokens.count)
        let logits = try predictor.predict(padded)
        let start = (tokens.count - 1) * tokenizer.vocabulary
        let row = Array(logits[start..<start + tokenizer.vocabulary])
        tokens.append(Int32(row.indices.max { row[$0] < row[$1] } ?? 0))
      }
      #expect(try text == tokenizer.decode(Array(tokens[4...])), "\(name)")
    }
  }

  @Test("the seed decides; a longer text begins as a shorter one; pieces are the text")
  func seeds() throws {
    let tokenizer = try characters()
    let models: [any Model] =
      [gpt(tokenizer.vocabulary)] + recurrent(tokenizer.vocabulary).map(\.model)
    for model in models {
      let generator = try generator(model, tokenizer, scale: 2)
      var pieces: [String] = []
      let text = try generator.generate("fox", count: 40, sampling: TextSampling(seed: 4)) {
        pieces.append($0)
      }
      #expect(text.unicodeScalars.count == 40)
      #expect(pieces.joined() == text && pieces.count == 40)
      let again = try generator.generate("fox", count: 25, sampling: TextSampling(seed: 4))
      #expect(text.hasPrefix(again) && again.count == 25)
      #expect(try generator.generate("fox", count: 40, sampling: TextSampling(seed: 5)) != text)
    }
  }

  @Test("it keeps the weights as they were, and runs with some of them frozen")
  func copies() throws {
    let tokenizer = try characters()
    let model = recurrent(tokenizer.vocabulary)[0].model
    var texts: [String] = []
    for freezing in [Freezing(), Freezing(parameters: ["embedding.*"])] {
      let source = try ModelSource(
        model, loss: SoftmaxCrossEntropy(), on: Self.windows(tokenizer), seed: 3,
        freezing: freezing)
      let generator = try TextGenerator(model, source, tokenizer: tokenizer)
      let before = try generator.generate(count: 30)
      for index in source.memory.parameters.indices { source.memory.parameters[index] = 0 }
      #expect(try generator.generate(count: 30) == before)
      texts.append(before)
    }
    #expect(texts[0] == texts[1])
  }

  @Test("prompts: longer than the window, empty, with characters that nobody knows")
  func prompts() throws {
    let tokenizer = try characters()
    let generator = try generator(gpt(tokenizer.vocabulary), tokenizer, scale: 3)
    let greedy = TextSampling(temperature: 0)
    // A window sees its last tokens alone.
    let long = try generator.generate("lazy dog over the quick", count: 5, sampling: greedy)
    let short = try generator.generate("er the quick", count: 5, sampling: greedy)
    #expect(long == short)
    let empty = try generator.generate(count: 5, sampling: greedy)
    #expect(try empty == generator.generate("\n", count: 5, sampling: greedy))
    let error = #expect(throws: TextError.self) { _ = try generator.generate("the\nfoX", count: 1) }
    #expect(
      error?.description.hasPrefix(
        "the prompt, line 2, column 3: the character 'X' (U+0058) does not occur") == true)
    #expect(throws: ArgumentError.self) { _ = try generator.generate(count: -1) }
    #expect(try generator.generate("fox", count: 0) == "")
  }

  @Test("models that see what is behind a position, or give no logits a token, are refused")
  func refusals() throws {
    let tokenizer = try characters()
    func message(_ layers: [(String, any Model)]) -> String {
      do { _ = try generator(Sequential(named: layers), tokenizer) } catch { return "\(error)" }
      return ""
    }
    let embedding = ("embedding", Embedding(tokenizer.vocabulary, 8))
    let head = ("head", Linear(tokenizer.vocabulary))
    #expect(
      message([embedding, ("core", GRU(nil, 8, bidirectional: true)), head])
        .contains("sees tokens behind it"))
    let source = try ModelSource(
      recurrent(tokenizer.vocabulary)[0].model, loss: SoftmaxCrossEntropy(),
      on: Self.windows(tokenizer), seed: 3)
    #expect(throws: DatasetError.self) {
      _ = try TextGenerator(
        recurrent(tokenizer.vocabulary)[0].model, source, tokenizer: ByteTokenizer())
    }
  }
}
