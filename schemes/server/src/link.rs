//! The socket as the loop sees it.

use redox_scheme::{RecvFdRequest, Request, Response, SendFdRequest};
use syscall::error::Result;

/// An answer, or an event.
pub struct Answer {
    /// What the kernel is told.
    pub response: Response,
    /// Number of a descriptor that goes with it.
    pub carries: Option<usize>,
}

impl From<Response> for Answer {
    #[inline]
    fn from(response: Response) -> Self {
        Self { response, carries: None }
    }
}

/// The kernel's side of a scheme: where requests come from and answers go to.
pub trait Link {
    /// Waits for the next request; `None` when there will be none any more. A link that does not wait answers `EAGAIN`.
    fn next(&mut self) -> Result<Option<Request>>;

    /// Sends an answer or an event. The number of a descriptor that goes with it is free afterwards.
    fn answer(&mut self, response: Response) -> Result<()>;

    /// Sends an answer and waits for the next request, in one call. `None`: the answer is sent, but no request came along
    /// (the wait was interrupted); whether there are more, [`Link::next`] tells. `carries` is the number of a descriptor
    /// that goes with the answer.
    fn answer_and_next(&mut self, response: Response, carries: Option<usize>) -> Result<Option<Request>>;

    /// As [`Link::answer_and_next`] with any number of answers, which are taken out; the last one is to run first.
    fn answers_and_next(&mut self, answers: &mut Vec<Answer>) -> Result<Option<Request>> {
        let Some(Answer { response, carries }) = answers.pop() else { return Ok(None) };
        answers.drain(..).try_for_each(|answer| self.answer(answer.response))?;
        self.answer_and_next(response, carries)
    }

    /// Takes the descriptors that a client sends; the numbers they get are written to `fds`, one for each.
    fn obtain(&mut self, request: &SendFdRequest, fds: &mut [usize]) -> Result<()>;

    /// Gives descriptors to the client that asks for some.
    fn pass(&mut self, request: &RecvFdRequest, fds: &[usize]) -> Result<()>;
}
