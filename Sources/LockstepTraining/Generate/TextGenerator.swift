import LockstepDatasets
import LockstepEngine
import LockstepLayers
import LockstepState

/// Writes texts with a trained model of tokens.
///
/// ```swift
/// let generator = try TextGenerator(model, training, tokenizer: tokenizer)
/// try generator.generate("In the beginning", count: 500) { print($0, terminator: "") }
/// ```
///
/// A token costs one position's work: the model is traced for one token behind others, whose recurrent layers go on
/// from their last states, and whose attention looks at the keys and values that earlier tokens left. A prompt of a
/// model without recurrent layers is computed in one pass. Whether all that gives what whole windows give is tried
/// out, and where it does not, the window of the last tokens runs anew for each token: the text is the same. Models in
/// which a position sees tokens behind it are refused. Texts are computed in Float32.
///
/// A recurrent model reads on for ever. A model with attention or positions sees a window: the token for which no
/// room is left is read with the last half of the window, from the first position on.
///
/// It reads the weights when it is made. It is used by one thread at a time.
public final class TextGenerator {
  /// Turns texts into tokens and back.
  package let tokenizer: any TextTokenizer
  /// T, the number of tokens of a window that the model was trained on.
  public let window: Int
  /// Whether a token costs the work of one position, and not that of a window.
  public var carriesStates: Bool { logits is ContinuedLogits }

  private let logits: any NextLogits

  /// A generator with the weights of a training, as they are now.
  ///
  /// - Throws: as the initialiser with a source.
  public convenience init(
    _ model: any Model, _ training: Training, tokenizer: any TextTokenizer
  ) throws {
    try self.init(model, training.source, tokenizer: tokenizer)
  }

  /// A generator with the weights of a source, as they are now.
  ///
  /// - Parameters:
  ///   - model: the model that the source was made of.
  ///   - source: the weights; its examples have the windows' length and vocabulary.
  ///   - tokenizer: the tokenizer of the training text.
  /// - Throws: `GraphError` where the model gives no logits for each position, or sees tokens behind a position;
  ///   `DatasetError` where the source was not made for windows of the tokenizer's tokens.
  public convenience init(
    _ model: any Model, _ source: ModelSource, tokenizer: any TextTokenizer
  ) throws {
    try self.init(model, source, tokenizer: tokenizer, recomputing: false)
  }

  /// The same; `recomputing` runs whole windows, whatever the model is.
  package init(
    _ model: any Model, _ source: ModelSource, tokenizer: any TextTokenizer, recomputing: Bool
  ) throws {
    let field = source.dataset.inputFields.first
    guard let field, field.shape.count == 1, let limit = field.limit else {
      throw DatasetError(
        source.dataset.name,
        "has no windows of tokens: a model that was trained on it writes no text")
    }
    guard limit == tokenizer.vocabulary else {
      throw DatasetError(
        source.dataset.name,
        "has a vocabulary of \(limit) tokens, and the tokenizer one of \(tokenizer.vocabulary): take "
          + "the tokenizer of the training text")
    }
    self.tokenizer = tokenizer
    window = field.shape[0]
    logits = try Self.logits(
      TokenModelTrace(model, source, vocabulary: limit, window: window), window, recomputing)
  }

  /// How the model's logits are computed.
  private static func logits(
    _ trace: TokenModelTrace, _ window: Int, _ recomputing: Bool
  ) throws -> any NextLogits {
    let whole = try WindowLogits(trace, length: window)
    var random = CounterGenerator(seed: 0, .generation)
    let tokens = (0..<window).map { _ in Int32(random.index(below: trace.vocabulary)) }
    guard try whole.isCausal(tokens) else {
      throw GraphError(
        "a position of the model sees tokens behind it (attention that is not causal, or a layer that "
          + "reads from the end): it cannot tell the next token, and writes no text")
    }
    guard !recomputing, let continued = ContinuedLogits(trace, window: window),
      try continued.agrees(
        with: Array(whole.run(tokens)), on: tokens, vocabulary: trace.vocabulary)
    else { return whole }
    return continued
  }

  /// Writes a text.
  ///
  /// - Parameters:
  ///   - prompt: what the text goes on from. An empty one counts as a new line, or as the first token where the
  ///     vocabulary has no new line.
  ///   - count: the most tokens that are written.
  ///   - sampling: how tokens are chosen.
  ///   - stops: texts that end the text; they are not part of it.
  ///   - receive: is given the text piece by piece, as soon as it is known.
  /// - Returns: the text, without the prompt.
  /// - Throws: `TextError` where the prompt has something that no token stands for, `ArgumentError` where the sampling
  ///   is out of range, `GraphError` where the model gives numbers that are not finite, and what `receive` throws.
  @discardableResult
  public func generate(
    _ prompt: String = "", count: Int = 1000, sampling: TextSampling = TextSampling(),
    stops: [String] = [], receive: (String) throws -> Void = { _ in }
  ) throws -> String {
    try ArgumentError.require(count, atLeast: 0, "count", of: "TextGenerator.generate")
    var choice = try TokenChoice(sampling)
    var pieces = TextPieces(tokenizer, stops: stops)
    var next = try tokens(of: prompt)[...]
    var text = ""
    func give(_ piece: String) throws {
      guard !piece.isEmpty else { return }
      text += piece
      try receive(piece)
    }
    logits.reset()
    for _ in 0..<count {
      let token = Int32(try choice.next(try logits.advance(next)))
      next = [token]
      try give(try pieces.add(token))
      if pieces.hasStopped { break }
    }
    try give(try pieces.finish())
    return text
  }

  /// The tokens of a prompt, one at least.
  private func tokens(of prompt: String) throws -> [Int32] {
    do throws(TextError) {
      if !prompt.isEmpty { return try tokenizer.encode(prompt) }
    } catch {
      throw TextError("the prompt, \(error.description)")
    }
    return (try? tokenizer.encode("\n")) ?? [0]
  }
}
